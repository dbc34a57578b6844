import type { NextConfig } from "next";

const config: NextConfig = {
  // The native core is loaded, not bundled.
  serverExternalPackages: ["greenroom"],
};

export default config;
