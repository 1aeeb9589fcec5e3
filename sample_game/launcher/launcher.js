// A launcher's sign-in as an Electron main process would do it, with Node.js and no packages.
//
//   node launcher.js [--show-page] sudomimus-bridge sidecar --application my-game --steam-app-id 480
//
// Ctrl-C cancels the login. Enter says "I am done in the browser". docs/sidecar.md describes the protocol.
"use strict";
const { spawn } = require("node:child_process");

class SidecarDied extends Error {}

class Sidecar {
  constructor([program, ...args], onProgress) {
    this.onProgress = onProgress;
    this.waiting = new Map(); // the requests without a response, by id
    this.lastId = 0;
    // Standard error is the sidecar's log. windowsHide: no console window flashes up on Windows.
    this.process = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], windowsHide: true });
    this.process.stdin.on("error", () => {}); // the sidecar has died, and "close" follows
    this.process.on("error", (error) => console.log(`cannot start ${program}: ${error.code}`));
    this.process.on("close", () => this.died());
    let unread = "";
    this.process.stdout.setEncoding("utf8").on("data", (text) => {
      // Split at "\n" only: readline would also split at Unicode's line separators.
      const lines = (unread + text).split("\n");
      unread = lines.pop();
      lines.forEach((line) => this.receive(JSON.parse(line)));
    });
  }

  request(method, params) {
    const id = ++this.lastId;
    this.process.stdin.write(JSON.stringify({ jsonrpc: "2.0", id, method, params }) + "\n");
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  receive(message) {
    if (message.method === "progress") {
      this.onProgress(message.params);
    } else if (this.waiting.has(message.id)) {
      const { resolve, reject } = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) reject(Object.assign(new Error(message.error.message), message.error.data));
      else resolve(message.result);
    }
  }

  died() {
    for (const { reject } of this.waiting.values()) reject(new SidecarDied("The sidecar died."));
    this.waiting.clear();
  }

  // The sidecar cancels the login, closes Steam, and ends within a second.
  close() {
    this.process.stdin.end();
  }
}

const showPage = process.argv[2] === "--show-page";
const given = process.argv.slice(showPage ? 3 : 2);
const command = given.length ? given : ["sudomimus-bridge", "sidecar"];
let sidecar;
let cancelled = false;

function show(progress) {
  console.log(`progress: ${progress.phase}`);
  if (progress.phase === "waiting-for-browser") {
    // The address always, because the sidecar does not say whether a browser has opened. It is a secret of this player.
    console.log(`finish in your browser: ${progress.errand.url}`);
  }
  if (progress.sentence) console.log(progress.sentence); // "Many players are signing in…": the game may start meanwhile
}

async function signIn() {
  sidecar = new Sidecar(command, show);
  const { protocolVersion } = await sidecar.request("initialize");
  if (protocolVersion !== 1) throw new Error(`This launcher does not speak version ${protocolVersion}.`);
  console.log(`sidecar ${sidecar.process.pid}`);
  const login = sidecar.request("login", { method: "steam", openBrowser: !showPage, patient: true });
  sidecar.loginId = sidecar.lastId;
  if (cancelled) cancel(); // Ctrl-C was pressed before the request
  return await login;
}

// The player's name for a greeting. It proves nothing: the game's server must verify the token.
async function nameOf(accessToken) {
  const player = await sidecar.request("player", { accessToken });
  return player.name || player.subject;
}

async function main() {
  for (let again = true; ; again = false) {
    try {
      const result = await signIn();
      console.log(`signed in to ${result.applicationAnchor} as ${await nameOf(result.accessToken)}`); // the game gets them
      return 0;
    } catch (error) {
      console.log(error.message);
      if (cancelled) return 130;
      // Cancelled without a request of ours: the sidecar is being ended.
      if (!(error instanceof SidecarDied) && error.kind !== "cancelled") return 1;
      console.log(again ? "Starting it again." : "Playing offline.");
      if (!again) return 1;
    } finally {
      sidecar.close();
    }
  }
}

function cancel() {
  cancelled = true;
  if (sidecar.loginId) sidecar.request("cancel", { id: sidecar.loginId }).catch(() => {});
}

process.on("SIGINT", cancel);
process.stdin.on("data", () => sidecar.request("done", { id: sidecar.loginId }).catch(() => {}));
main().then((status) => {
  process.exitCode = status;
  process.stdin.destroy();
});
