package io.bezoar.fs;

/**
 * Figures about a filesystem, at one moment or nearly so. Sizes are bytes.
 *
 * @param totalBytes of the device
 * @param freeBytes that ordinary writes can still take, at once or after the commits that they make
 * @param reservedBytes kept back so that deleting and repairing work when it is full
 * @param quarantinedBytes free, and set aside because they are bad
 * @param releasingBytes of the free ones, those that are of use again after the next commits only
 * @param snapshots that have not been deleted
 * @param commit number of the newest durable commit
 */
public record FilesystemStatus(
    long totalBytes,
    long freeBytes,
    long reservedBytes,
    long quarantinedBytes,
    long releasingBytes,
    int snapshots,
    long commit) {}
