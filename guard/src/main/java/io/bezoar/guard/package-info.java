/**
 * Plain files where they are, without a pool: a mapped file whose bad pages become typed errors
 * with file and range, are healed in place where anything can heal them, and never take the process
 * down.
 */
@NullMarked
package io.bezoar.guard;

import org.jspecify.annotations.NullMarked;
