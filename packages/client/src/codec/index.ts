/**
 * The value codec shared by clients and servers: JavaScript values as CBOR or JSON, see {@link ValueForm}.
 */
export { fromBase64, toBase64 } from "./base64.js";
export { type DecodeOptions, decodeValue, ValueFormatError, ValueReader } from "./decode.js";
export { MAX_DEPTH, Tag, type ValueForm } from "./form.js";
export { writeArrayHead, writeByteString, writeMapHead, writeText, writeUint } from "./heads.js";
export { fromJsonCompat, toJsonCompat } from "./json.js";
export { encodeValue } from "./plain-forms.js";
export { type AnyTypedArray, typedArrayTag } from "./typed-array-tags.js";
export { WireWriter } from "./wire-writer.js";
export { ByteWriter, buildBytes } from "./writer.js";
