package io.bezoar.media;

/**
 * What one media is and what may be expected of it. Immutable.
 *
 * @param name the path, or the simulation's name; stands in every message
 * @param kind how bytes are reached
 * @param sizeBytes size at open; any number, so that the last granule, clear unit and page may be
 *     short
 * @param granuleBytes the unit in which this media really loses bytes: 64 in simulation, 512 on
 *     disks, 4096 for mapped memory
 * @param clearUnitBytes the unit in which {@link Media#reinitialise} works; a multiple of the
 *     granule
 * @param persistence what a successful persist means
 * @param blocking true when a read or write may wait for a disk, so that callers on virtual threads
 *     should hand it to a platform thread
 * @param writable false when opened read-only or to be repaired
 */
public record MediaInfo(
    String name,
    MediaKind kind,
    long sizeBytes,
    int granuleBytes,
    int clearUnitBytes,
    Persistence persistence,
    boolean blocking,
    boolean writable) {}
