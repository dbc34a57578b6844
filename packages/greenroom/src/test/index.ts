/** `greenroom/test`: run a registry within a test. */
export {
  type SetupTestOptions,
  setupTest,
  type TestClientOptions,
  type TestClock,
  type TestRegistry,
  type TestSetup,
} from "./setup-test.js";
export type { TestContext } from "./test-context.js";
