/** What runs on a thread of Greenroom's: loads the module that makes the registry, and runs its share of the actors. */
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../host/failure.js";
import type { Task } from "./messages.js";
import { Post, takePost } from "./post.js";

const { greenroom: task } = workerData as { readonly greenroom: Task };
if (parentPort === null) throw new Error("this is the main module of a worker thread");
const post = new Post(task, parentPort);
takePost(post);

try {
  // May never return: a module that awaits `start()` waits for as long as the thread lives.
  await import(task.module);
  if (post.registry === undefined)
    throw new Error("it has not made the registry: call setup(...) as it loads");
  await post.registry.join();
} catch (error) {
  post.failed(messageOf(error));
}
