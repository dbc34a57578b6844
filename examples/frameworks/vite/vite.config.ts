import { defineConfig } from "vite";

/** Where `npm start` serves the actors. */
const actors = `http://127.0.0.1:${process.env.GREENROOM_PORT ?? 6420}`;

export default defineConfig({
  server: {
    proxy: {
      "/api/rivet": { target: actors, ws: true, rewrite: (path) => path.replace(/^\/api\/rivet/, "") },
    },
  },
});
