import "react";

// The custom properties that the page's elements pass to its sheet.
declare module "react" {
  interface CSSProperties {
    "--hue"?: number;
  }
}
