import { toNextHandler } from "greenroom/next";
import { registry } from "../../../../registry";

export const { GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS } = toNextHandler(registry);
export const dynamic = "force-dynamic";
