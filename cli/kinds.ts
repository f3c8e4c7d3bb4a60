/** The names under which people ask for a kind. */
import type { Kind } from "#core/api/objects.ts";
import { usage } from "./options.ts";

const NAMES: Readonly<Record<Kind, readonly string[]>> = {
  ArkEvent: ["arkevent", "arkevents", "event", "events"],
  ArkTeam: ["arkteam", "arkteams", "team", "teams"],
  ArkAgent: ["arkagent", "arkagents", "agent", "agents"],
  ArkRun: ["arkrun", "arkruns", "run", "runs", "aorun"],
  ArkService: ["arkservice", "arkservices", "service", "services", "aosvc"],
  ArkSettings: ["arksettings", "settings"],
};

export const KINDS = Object.keys(NAMES) as readonly Kind[];

export function kindOf(text: string): Kind {
  const wanted = text.toLowerCase();
  const found = KINDS.find((kind) => NAMES[kind].includes(wanted));
  if (found !== undefined) return found;
  throw usage(`there is no kind ${JSON.stringify(text)}`, "Ask for events, teams, agents, runs, services or settings.");
}
