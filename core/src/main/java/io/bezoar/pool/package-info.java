/** A pool: one file under one label, assembled into a device that front ends serve. */
@NullMarked
package io.bezoar.pool;

import org.jspecify.annotations.NullMarked;
