package io.bezoar.pool;

import io.bezoar.media.Allocation;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A device to be made for a pool that is there.
 *
 * @param path where; nothing may be there yet
 * @param sizeBytes of the file; -1 for as large as the device whose side or place it takes
 * @param redundancy how its content is protected; null for the same as that device
 * @param allocation whether its space is taken now
 */
public record NewDevice(
    Path path, long sizeBytes, @Nullable Redundancy redundancy, Allocation allocation) {}
