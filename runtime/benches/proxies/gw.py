"""The gateway as one more proxy of the benchmark kit: what the kit asks for, written as a policy."""

import os
import signal
from itertools import groupby

from harness import output, which

BIN = which("gwc", "BENCH_GW")
SUPPORTS = {"h1", "tls", "h2", "routes", "reload", "limit", "upload", "jwt-hs256", "jwt-rs256", "jwt-es256"}


def version():
    return output(BIN, "--version")


def start(s):
    write(s)
    return [BIN, "run", "gateway.gw", "--workers", s.workers, "--log", "off", "--admin", "127.0.0.1:0"]


def reload(s, pid):
    write(s)
    os.kill(pid, signal.SIGHUP)


def write(s):
    if s.jwt and s.jwt.alg == "HS256":
        (s.dir / "signing.key").write_bytes(s.jwt.secret)
    (s.dir / "gateway.new").write_text(policy(s))
    os.replace(s.dir / "gateway.new", s.dir / "gateway.gw")


def policy(s):
    feature, apply = "", ""
    if s.feature == "limit":
        feature = 'limit clients { key req.header["x-client"] ?? client.ip; allow 10000/s }'
        apply = "apply clients()"
    if s.feature.startswith("jwt"):
        hs = s.jwt.alg == "HS256"
        keys = "secret(signing)" if hs else f'pem("{s.jwt.public}")'
        secret = 'secret signing from file("signing.key")\n' if hs else ""
        feature = f"""{secret}auth token = jwt {{
  issuer "{s.jwt.ISSUER}"
  audience "bench"
  keys {keys}
  accept {s.jwt.alg}
  claims {{ sub: String }}
}}"""
        apply = "require token"
    sites = "\n".join(site(n, host, [path for _, path in group])
                      for n, (host, group) in enumerate(groupby(s.routes, lambda route: route[0])))
    return f"""edition 2026

listener plain {{ bind "127.0.0.1:{s.plain}"; cap idle=10min }}

listener secure {{
  bind "127.0.0.1:{s.tls}"
  tls cert="{s.cert}", key="{s.key}", min=1.3
  cap idle=10min
}}

upstream origin {{
  server "127.0.0.1:{s.origin}"
  timeout keep=10min
}}

{feature}

{sites or every_request(apply)}
"""


def every_request(apply):
    return f"site all on plain, secure {{ route all {{ {apply}; forward origin }} }}"


def site(n, host, paths):
    routes = "\n".join(f'  route r{m} {{ path "{path}**"; forward origin }}' for m, path in enumerate(paths))
    return f'site s{n} on plain, secure {{\n  host "{host}"\n{routes}\n}}'
