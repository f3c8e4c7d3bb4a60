/** P4: a text that is gone for good is an answer like any other; whoever wanted it says what follows. */
import { OutputLost } from "./record.ts";

/** What `work` comes to, or `lost` of the error's own words when a text that it loads is gone. */
export async function unlessLost<T>(work: () => Promise<T>, lost: (message: string) => T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OutputLost)) throw error;
    return lost(error.message);
  }
}
