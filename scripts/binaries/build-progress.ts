/** A build from nothing takes ten minutes and more: every so often it says how far it is. */
const EVERY_MS = 15_000;

export type BuildProgress = Disposable & {
  /** What `go build -v` writes: a line per compiled package, and `go: downloading …` per module. */
  read(text: string): void;
};

export function watchBuild(command: string, say: (message: string) => void, everyMs = EVERY_MS): BuildProgress {
  const startedAt = performance.now();
  let downloaded = 0;
  let compiled = 0;
  say(`building ${command}; from nothing this takes ten minutes and more, from Go's build cache seconds`);
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    say(`building ${command}: ${seconds} s, ${downloaded} modules downloaded, ${compiled} packages compiled`);
  }, everyMs);
  return {
    read: (text) => {
      for (const line of text.split("\n")) {
        if (line.startsWith("go: downloading")) downloaded += 1;
        else if (line !== "") compiled += 1;
      }
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
