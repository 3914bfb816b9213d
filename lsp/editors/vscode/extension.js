// Starts `gwc lsp` and hands it the policies that are open. It knows nothing of the language itself.
"use strict";

const { commands, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

async function start() {
  const command = workspace.getConfiguration("gw").get("command", "gwc");
  client = new LanguageClient(
    "gw",
    "gw policies",
    { command, args: ["lsp"] },
    {
      documentSelector: [{ language: "gw" }],
      synchronize: { fileEvents: workspace.createFileSystemWatcher("**/*.gw") },
    },
  );
  await client.start();
}

async function stop() {
  const stopping = client;
  client = undefined;
  await stopping?.stop();
}

async function activate(context) {
  context.subscriptions.push(
    commands.registerCommand("gw.restart", async () => {
      await stop();
      await start();
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
