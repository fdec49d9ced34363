# Joins what the benchmarks found into the table, one row of tab-separated columns for each figure:
# name, measured, limit, whether it is met, spread, plain OpenSSL, rustls, what. Input: one object.
. as $all |
[
  ["R1", ">=", 0.90, "full handshakes per CPU second, attested / plain, same chain", "rustls.rate", " /s"],
  ["R1s", ">=", 1.25, "attested and self-signed / plain with leaf and intermediate", "rustls.rate", " /s"],
  ["R2", "<=", 1.25, "CPU that the client adds / one P-256 verification", "rustls.client_us", " us"],
  ["R2c", "<=", 1.3, "the same at first contact with an AK certificate / its crypto", null, ""],
  ["R3", "<=", 5, "CPU that the server adds per handshake, us", "rustls.server_us", " us"],
  ["R4", "<=", 1.1, "quotes per 1000 handshakes / (1000 / (R T))", null, ""],
  ["R5p50", "<=", 1.6, "latency added / T, median", null, ""],
  ["R5p99", "<=", 2.1, "latency added / T, 99 of 100", null, ""],
  ["R5lone", "<=", 1.1, "latency added / T, a lone client", null, ""],
  ["R6", ">=", 0.97, "handshakes per second with a TPM of 500 ms / of 0 ms, HAProxy", null, ""],
  ["R9", "<=", 900, "bytes on the wire over plain, batch of 64", null, ""],
  ["R10", "<=", 2, "memory per connection over plain, KiB", "rustls.pair_kib", " KiB"],
  ["R15", "<=", 5, "malformed evidence refused, us", null, ""],
  ["R15ak", "<=", 10, "evidence of an unknown AK refused, us", null, ""],
  ["R16", ">=", 1.85, "two threads / one, attested", "rustls.scaling", ""]
][] as [$name, $sense, $limit, $what, $rustls, $unit] |
def short: if . == null then "-" else . * 1000 | round / 1000 | tostring end;
$all[$name] as $value |
[
  $name,
  ($value | short),
  "\($sense) \($limit)",
  (if $value == null then "?"
   elif ($sense == ">=" and $value >= $limit) or ($sense == "<=" and $value <= $limit) then "met"
   else "MISSED" end),
  (if $all["\($name).min"] == null then "-"
   else "\($all["\($name).min"] | short) to \($all["\($name).max"] | short)" end),
  ($all["\($name).plain"] // "-"),
  (if $rustls == null or $all[$rustls] == null then "-" else "\($all[$rustls])\($unit)" end),
  $what
] | @tsv
