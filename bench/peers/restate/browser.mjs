// What a page imports of this system; its bundle is measured.
export { connect } from "@restatedev/restate-sdk-clients";
