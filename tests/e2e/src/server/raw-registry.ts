/** Actors that answer HTTP requests themselves, for the suite about raw HTTP. */

import type { ActorError, Client } from "@greenroom/client";
import type { RegistryLike } from "@greenroom/client/types";
import { actor, type RequestContextOf, setup, UserError } from "greenroom";
import { Hono } from "hono";
import { dozer, greeter, guest, relay, talker } from "./raw-sockets.js";

/** Says what it got. */
export const mirror = actor({
  state: { hits: 0 },
  onRequest: async (c, request) => {
    c.state.hits++;
    const url = new URL(request.url);
    if (url.pathname === "/bytes") {
      return new Response(await request.arrayBuffer(), {
        headers: { "content-type": "application/octet-stream" },
      });
    }
    if (url.pathname === "/form") {
      const form = await request.formData();
      const file = form.get("file");
      const content = file instanceof Blob ? [...new Uint8Array(await file.arrayBuffer())] : null;
      return Response.json({ name: form.get("name"), content });
    }
    return Response.json({
      method: request.method,
      url: request.url,
      same: c.request === request,
      headers: [...request.headers],
      body: await request.text(),
      hits: c.state.hits,
      params: c.conn.params ?? null,
    });
  },
  actions: { hits: (c) => c.state.hits },
});

/** Answers in every way that there is. */
export const responder = actor({
  onRequest: (_c, request): Response | Promise<Response> => {
    switch (new URL(request.url).pathname) {
      case "/empty":
        return new Response(null, { status: 204 });
      case "/unchanged":
        return new Response(null, { status: 304, headers: { etag: '"x"' } });
      case "/teapot":
        return new Response("short and stout", { status: 418, statusText: "I am a teapot" });
      case "/cookies": {
        const headers = new Headers([
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2; Path=/"],
          ["x-latin", "\u00e9"],
          ["vary", "accept"],
          ["connection", "upgrade"],
          ["content-length", "2"],
        ]);
        return new Response("ok", { headers });
      }
      case "/cors":
        return new Response("ok", { headers: { "access-control-allow-origin": "https://only.example" } });
      case "/redirect":
        return Response.redirect("https://elsewhere.example/", 302);
      case "/error":
        return Response.error();
      case "/nothing":
        return undefined as unknown as Response;
      case "/user-error":
        throw new UserError("no such page", { code: "no_page", metadata: { page: 7 } });
      case "/bug":
        throw new Error("secret");
      case "/used": {
        const response = new Response("x");
        response.body?.getReader();
        return response;
      }
      case "/odd-body":
        return new Response(new ReadableStream({ start: (controller) => controller.enqueue(42) }));
      case "/texts":
        return new Response(
          new ReadableStream({
            start: (controller) => {
              controller.enqueue("te");
              controller.enqueue("xt");
              controller.close();
            },
          }),
        );
      case "/slow":
        return new Promise(() => {});
      default:
        return new Response("nope", { status: 404 });
    }
  },
  options: { actionTimeout: 1_000 },
  actions: {},
});

/** Has no handler. */
export const plain = actor({ actions: { ping: () => "pong" } });

/**
 * Streams. Keeps what happened to it in its variables, and what was committed in its state. What happens when nobody
 * keeps it awake any more it says on standard error as well.
 */
export const streamer = actor({
  state: { count: 0 },
  createVars: () => ({ log: [] as string[], produced: 0, received: 0, release: (): void => {} }),
  onRequest: (c, request): Response | Promise<Response> => {
    const url = new URL(request.url);
    c.abortSignal.addEventListener("abort", () => note(c, `aborted ${url.pathname}`));
    request.signal.addEventListener("abort", () => note(c, `request aborted ${url.pathname}`));
    switch (url.pathname) {
      case "/events":
        return events(c);
      case "/endless":
        return endless(c);
      case "/echo":
        return new Response(request.body);
      case "/sink":
        return sink(c, request);
      case "/ignore":
        return new Response("not interested");
      case "/break":
        return breaks();
      case "/wait":
        c.vars.log.push("waits");
        return new Promise((resolve) => {
          c.abortSignal.addEventListener("abort", () => resolve(new Response("too late")));
        });
      default:
        return new Response(null, { status: 404 });
    }
  },
  onSleep: (c) => {
    c.vars.log.push("sleep");
  },
  options: { sleepTimeout: 150, sleepGracePeriod: 1_000, actionTimeout: 5_000 },
  actions: {
    log: (c) => c.vars.log,
    produced: (c) => c.vars.produced,
    received: (c) => c.vars.received,
    release: (c) => c.vars.release(),
    count: (c) => c.state.count,
    tick: (c) => {
      c.state.count++;
      c.broadcast("tick", c.state.count);
      for (const listener of listeners.get(c.actorId) ?? []) listener(c.state.count);
    },
    sleep: (c) => c.sleep(),
  },
});

type StreamerContext = RequestContextOf<typeof streamer>;

function note(c: StreamerContext, line: string): void {
  c.vars.log.push(line);
  process.stderr.write(`streamer ${c.key.join()}: ${line}\n`);
}

/** Who listens to the counts of which actor. */
const listeners = new Map<string, Set<(count: number) => void>>();

/** Server-sent events: each count, as it comes up. */
function events(c: StreamerContext): Response {
  const utf8 = new TextEncoder();
  const own = listeners.get(c.actorId) ?? new Set();
  listeners.set(c.actorId, own);
  let listener: (count: number) => void = () => {};
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      listener = (count) => controller.enqueue(utf8.encode(`data: ${count}\n\n`));
      controller.enqueue(utf8.encode(`data: ${c.state.count}\n\n`));
      own.add(listener);
      c.abortSignal.addEventListener("abort", () => {
        if (own.delete(listener)) controller.close();
      });
    },
    cancel: () => {
      own.delete(listener);
      note(c, "cancelled /events");
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** As many bytes as somebody reads. */
function endless(c: StreamerContext): Response {
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const piece = new Uint8Array(50_000).fill(7);
        c.vars.produced += piece.length;
        controller.enqueue(piece);
      },
      cancel: () => {
        note(c, "cancelled /endless");
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body);
}

/** Reads everything; with `x-hold` not before it is told to. */
async function sink(c: StreamerContext, request: Request): Promise<Response> {
  const told = new Promise<void>((resolve) => {
    c.vars.release = resolve;
  });
  if (request.headers.has("x-hold")) await told;
  try {
    for await (const piece of (request.body ?? []) as AsyncIterable<Uint8Array>) {
      c.vars.received += piece.length;
    }
  } catch (error) {
    note(c, `broken ${(error as { code?: string }).code}`);
    throw error;
  }
  return Response.json({ received: c.vars.received });
}

/** Breaks off after its first words. */
function breaks(): Response {
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (pulls++ === 0) controller.enqueue(new TextEncoder().encode("first words"));
        else throw new Error("the rest is lost");
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body);
}

/** Lets in who knows the word. */
export const guarded = actor({
  state: { log: [] as string[] },
  onBeforeConnect: (c, params: { word?: string } | undefined) => {
    if (params?.word !== "please") throw new UserError("say the word", { code: "no_word" });
    c.state.log.push(`asked ${c.request?.method} ${new URL(c.request?.url ?? "").pathname}`);
  },
  createConnState: (_c, params) => ({ word: params?.word }),
  onConnect: (c) => {
    c.state.log.push("connect");
  },
  onDisconnect: (c) => {
    c.state.log.push("disconnect");
  },
  onRequest: (c) => {
    c.state.log.push("request");
    return Response.json({ word: c.conn.state.word, listed: c.conns.size });
  },
  actions: { log: (c) => c.state.log },
});

/** Routes inside. */
export const routed = actor({
  state: { notes: {} as Record<string, string> },
  createVars: () => {
    const router = new Hono<{ Bindings: { notes: Record<string, string> } }>();
    router.get("/notes/:id", (c) => {
      const note = c.env.notes[c.req.param("id")];
      return note === undefined ? c.notFound() : c.json({ note });
    });
    router.put("/notes/:id", async (c) => {
      c.env.notes[c.req.param("id")] = await c.req.text();
      return c.body(null, 201);
    });
    return { router };
  },
  onRequest: (c, request) => c.vars.router.fetch(request, { notes: c.state.notes }),
  actions: {},
});

/** Asks `bouncer`, which asks back. */
export const asker = actor({
  options: { concurrency: "exclusive" },
  actions: {
    around: async (c): Promise<string> => {
      const client: Client<RegistryLike> = c.client();
      return (await client.getOrCreate("bouncer", "b").fetch("/back")).text();
    },
    back: () => "back",
  },
});

/** Calls its caller. */
export const bouncer = actor({
  onRequest: async (c, request): Promise<Response> => {
    const client: Client<RegistryLike> = c.client();
    const hidden = request.headers.get("x-greenroom-chain");
    const answer = await client
      .getOrCreate("asker", "a")
      .action({ name: "back", args: [] })
      .catch((error: ActorError) => error.code);
    return new Response(`${answer} ${hidden}`);
  },
});

export const registry = setup({
  use: {
    mirror,
    responder,
    plain,
    streamer,
    guarded,
    routed,
    talker,
    relay,
    guest,
    dozer,
    greeter,
    asker,
    bouncer,
  },
});
