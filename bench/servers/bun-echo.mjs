// The floor on Bun's own server: sends every WebSocket message and every HTTP body back, and does nothing else, but for
// messages that begin with 0xff: these send their text (from byte 11) to every WebSocket, as often as bytes 1 and 2 say.
// Says `listening <port>` and ends when its standard input does.
import "./heap.mjs";

const EVERYBODY = "everybody";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request, server) {
    if (server.upgrade(request)) return undefined;
    return new Response(await request.bytes());
  },
  websocket: {
    open: (socket) => socket.subscribe(EVERYBODY),
    message(socket, data) {
      if (data[0] === 0xff) publish(data);
      socket.sendBinary(data);
    },
  },
});
console.log(`listening ${server.port}`);

function publish(request) {
  const message = Buffer.concat([Buffer.of(0xfe), request.subarray(11)]);
  for (let times = request.readUInt16LE(1); times > 0; times -= 1) server.publish(EVERYBODY, message);
}

process.stdin.on("end", () => process.exit(0)).resume();
