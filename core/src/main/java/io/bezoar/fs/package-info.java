/**
 * Files in a forest: directories, extents, reflinks, snapshots, and for any range of the device
 * everything that owns it.
 */
@NullMarked
package io.bezoar.fs;

import org.jspecify.annotations.NullMarked;
