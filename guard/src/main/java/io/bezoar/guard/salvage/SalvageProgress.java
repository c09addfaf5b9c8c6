package io.bezoar.guard.salvage;

/**
 * How far a rescue is.
 *
 * @param point what is being done, and where
 * @param sizeBytes size of the source
 * @param rescuedBytes bytes in the destination, those of earlier runs included
 * @param badBytes bytes that were tried one granule at a time and cannot be read
 * @param pendingBytes bytes that this run has still to try
 * @param bytesPerSecond rescued per second, lately
 */
public record SalvageProgress(
    RescuePoint point,
    long sizeBytes,
    long rescuedBytes,
    long badBytes,
    long pendingBytes,
    long bytesPerSecond) {}
