//! Every kind of note, as rows of the same shape as the language's diagnostics, so that `gwc explain N0703` finds them.

use lang::{Entry, Mends, Severity};

macro_rules! catalogue {
    ($($name:ident = $code:literal $slug:literal $severity:ident $explain:literal;)*) => {
        $(pub(crate) const $name: Entry =
            Entry {
                code: $code,
                slug: $slug,
                severity: Severity::$severity,
                mends: Mends::ByHand("it is about objects of a cluster, which `gwc` does not write"),
                explain: $explain,
            };)*

        /// Every kind of note that the translator gives.
        pub const CATALOGUE: &[&Entry] = &[$(&$name,)*];
    };
}

catalogue! {
    UNREADABLE = "N0701" "unreadable-object" Warning "\
A file or an object in it could not be read: it is not YAML or JSON, breaks the shape of its kind, or passes a bound
(16 MiB a file, 20,000 objects, 64 levels of nesting, and a budget for YAML aliases).
Nothing of what the note names was translated.
Check it with `kubectl apply --dry-run=server -f FILE`.
";
    NOT_READ = "N0702" "kind-not-read" Note "\
The translator reads Ingress (`networking.k8s.io/v1`), Service, EndpointSlice and Secret (`kubernetes.io/tls`).
Objects of other kinds, or of other versions of these, are counted and left alone.
Convert Ingresses of a `v1beta1` API with `kubectl convert -f FILE --output-version networking.k8s.io/v1`.
";
    UNKNOWN_ANNOTATION = "N0703" "unknown-annotation" Warning "\
The Ingress carries an annotation that the translator does not know.
Whatever it asked for is not in the policy: look it up in the documentation of the controller that read it, and write the
same in the policy, where it is checked.
";
    REFUSED_ANNOTATION = "N0704" "refused-annotation" Warning "\
The annotation is known and is not translated, for the reason in the note.
Snippets (`configuration-snippet`, `server-snippet` and their like) are pieces of another server's configuration, pasted
into it as text; whoever may write an Ingress could thereby rewrite the whole gateway.
This language has no templating, so there is nothing to paste into: say what the snippet did with statements.
Where the annotation protected the Ingress (`auth-url`, `auth-type` and their like), its routes answer 403 until you write the
protection, because serving them unprotected is the worse surprise.
";
    BAD_ANNOTATION = "N0705" "bad-annotation-value" Warning "\
The value of a known annotation is not what the annotation takes.
It was not translated; where it restricts who may pass, the routes of the Ingress answer 403 until it is mended.
";
    NO_TRANSLATION = "N0706" "no-translation" Warning "\
The field says something that a policy cannot express, or that the translator does not know.
Where leaving the route out would hand its requests to a broader route, a route that answers 503 stands in its place.
";
    INVALID_NAME = "N0707" "invalid-name" Warning "\
A host, a path or a name is not one that Kubernetes or HTTP allows, or has no spelling as a pattern.
It was not translated: words from a cluster never reach a policy without being checked.
";
    CONFLICT = "N0708" "conflict" Warning "\
Two Ingresses claim the same host and path.
The oldest by `metadata.creationTimestamp` wins, then the first by namespace and name; an object without a time stamp counts
as the youngest, since it is not in a cluster yet.
The note names the loser and the winner.
";
    UNRESOLVED = "N0709" "unresolved-backend" Warning "\
A backend names a Service or a port that is not among the objects given.
Its route answers 503, as it would in the cluster.
Add the file that holds the Service.
";
    BAD_SECRET = "N0710" "tls-secret" Warning "\
The Secret that `spec.tls` names is missing, is not of type `kubernetes.io/tls`, or does not hold a certificate and a key in
PEM.
Its hosts are not served over https.
";
    READ_AS = "N0711" "read-as" Note "\
The policy says nearly what the object says; the note tells the difference.
";
    LEFT_OUT = "N0712" "left-out" Note "\
The object was left out on purpose, for instance because its class is not the one asked for.
";
}
