/** An address as people may see it: without credentials, query and fragment, where secrets stand (P7). */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, "").replace(/^([a-z]+:\/\/)[^/]*@/i, "$1");
}
