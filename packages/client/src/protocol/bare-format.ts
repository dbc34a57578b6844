import { encodeCompat } from "../codec/usual.js";
import { buildMessage, type WireWriter } from "../codec/wire-writer.js";
import { BareReader, writeBool, writeData, writeStr, writeVersion } from "./bare.js";
import { readErrorActor, readErrorFields } from "./error-body.js";
import type { Format } from "./format.js";
import { asArgs, type ClientFrame, type ServerFrame, type StreamPart } from "./frames.js";

/** The default encoding: BARE messages with values as CBOR in compat form. */
export const bareFormat: Format = {
  encoding: "bare",
  encodeFrame: (frame) => buildMessage((writer) => writeFrame(writer, frame)),
  decodeFrame(data) {
    if (!(data instanceof ArrayBuffer)) throw new RangeError("a text frame on a bare connection");
    return readFrame(new BareReader(new Uint8Array(data)));
  },
  encodeArgs: (args) =>
    buildMessage((writer) => {
      writeVersion(writer);
      writeData(writer, args, "args");
    }),
  decodeOutput: (body) => new BareReader(body).value(),
  encodeData: (value, at) => buildMessage((writer) => encodeCompat(writer, value, at)),
  decodeError(body) {
    const reader = new BareReader(body);
    return { ...readErrorFields(reader), actor: readErrorActor(reader) };
  },
};

function writeFrame(writer: WireWriter, frame: ClientFrame): void {
  writeVersion(writer);
  if (frame.tag === "ActionRequest") {
    writer.u8(0);
    writer.uvarint(frame.id);
    writeStr(writer, frame.name);
    writeData(writer, frame.args, "args");
  } else if (frame.tag === "SubscriptionRequest") {
    writer.u8(1);
    writeStr(writer, frame.eventName);
    writeBool(writer, frame.subscribe);
  } else if (frame.tag === "CancelRequest" || frame.tag === "StreamCredit") {
    const isCancel = frame.tag === "CancelRequest";
    writer.u8(isCancel ? 32 : 33);
    writer.uvarint(frame.id);
    if (!isCancel) writer.uvarint(frame.items);
  }
}

/** The parts of a stream, by their numbers from 32 on. */
const PARTS: readonly StreamPart[] = ["start", "item", "end"];

function readFrame(reader: BareReader): ServerFrame {
  const tag = reader.uint();
  switch (tag) {
    case 0:
      return {
        tag: "Init",
        actorId: reader.str(),
        connectionId: reader.str(),
        connectionToken: reader.atEnd ? undefined : reader.str(),
        extensions: reader.atEnd ? "" : reader.str(),
      };
    case 1: {
      const fields = readErrorFields(reader);
      const actionId = reader.optional(() => reader.uint());
      return { tag: "Error", error: { ...fields, actor: readErrorActor(reader) }, actionId };
    }
    case 2:
      return { tag: "ActionResponse", id: reader.uint(), output: reader.value() };
    case 3:
      return {
        tag: "Event",
        name: reader.str(),
        args: asArgs(reader.value()),
        number: reader.atEnd ? undefined : reader.uint(),
      };
    case 35:
    case 36:
      return {
        tag: "Mark",
        number: reader.uint(),
        text: reader.str(),
        from: reader.atEnd ? undefined : reader.uint(),
      };
    default: {
      const part = PARTS[tag - 32];
      if (part === undefined) throw new RangeError(`a frame of the unknown kind ${tag}`);
      return { tag: "Stream", id: reader.uint(), part, item: part === "item" ? reader.value() : undefined };
    }
  }
}
