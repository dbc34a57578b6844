// The floor under Node.js: sends every WebSocket message and every HTTP body back, and does nothing else, but for
// messages that begin with 0xff: these send their text (from byte 11) to every WebSocket, as often as bytes 1 and 2 say.
// Says `listening <port>` and ends when its standard input does.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import "./heap.mjs";

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": body.length });
    response.end(body);
  });
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => {
    if (data[0] === 0xff) publish(data);
    socket.send(data, { binary: isBinary });
  });
});

function publish(request) {
  const message = Buffer.concat([Buffer.of(0xfe), request.subarray(11)]);
  for (let times = request.readUInt16LE(1); times > 0; times -= 1) {
    for (const socket of sockets.clients) socket.send(message);
  }
}

server.listen(0, "127.0.0.1", () => console.log(`listening ${server.address().port}`));

process.stdin.on("end", () => process.exit(0)).resume();
