/** The Secret of a namespace whose token opens the record of its runs, by `GET /record/{namespace}/{run}/…` (adr/0016). */
export const RECORD_SECRET = "ark-record-token";
