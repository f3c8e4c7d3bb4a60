# Sourced by the scripts beside it: installs the locked packages when the lockfile changed, and puts their tools,
# the project's own Node.js among them, in front of PATH.
if ! command -v npm >/dev/null 2>&1; then
  echo "ark: npm is not on PATH. Install Node.js 20 or later, then run this again." >&2
  exit 3
fi
if ! cmp -s package-lock.json node_modules/.ark-lock 2>/dev/null; then
  echo "ark: installing the locked npm packages" >&2
  # Not `npm ci`: it refuses a lockfile that lacks some other platform's optional binaries. The versions are the locked ones.
  npm install --no-save --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json node_modules/.ark-lock
fi
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
