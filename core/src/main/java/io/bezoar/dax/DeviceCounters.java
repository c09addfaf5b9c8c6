package io.bezoar.dax;

/**
 * What went wrong on one device since it was opened. Counted on slow paths only.
 *
 * @param readFaults reads that met a trap or an I/O error
 * @param checksumErrors pages whose bytes were not the ones that were written
 * @param redundancyErrors redundant copies (parity, tables) that differed from what they protect
 * @param repairedBytes bytes rebuilt, rewritten and verified
 * @param degradedBytes bytes served by reconstruction only, now
 * @param lostBytes bytes lost, now
 * @param persistFailures failed persists (the first one is sticky)
 */
public record DeviceCounters(
    long readFaults,
    long checksumErrors,
    long redundancyErrors,
    long repairedBytes,
    long degradedBytes,
    long lostBytes,
    long persistFailures) {}
