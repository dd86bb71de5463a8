/** A monitor's session as the engine's StreamSession. */
import type { Session } from "../../../native/binding/index.ts";
import type { StreamSession } from "../backend.ts";

export const toStreamSession = (session: Session): StreamSession => ({
  output: session.output,
  write: (chunk) => session.write(chunk),
  endStdin: async () => session.endStdin(),
  close: () => session.close(),
  [Symbol.asyncDispose]: async () => session.close(),
});
