/**
 * The files of a pool for {@code java.nio.file}: whatever takes a {@link java.nio.file.Path} takes
 * one in a pool.
 */
@NullMarked
package io.bezoar.nio;

import org.jspecify.annotations.NullMarked;
