/** What pages load with the first call or message over HTTP. */
export { call } from "./call.js";
export { type Post, post } from "./post.js";
