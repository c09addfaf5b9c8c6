/**
 * Copy-on-write B+trees over a device, several in one forest, made durable by one atomic root flip.
 */
@NullMarked
package io.bezoar.tree;

import org.jspecify.annotations.NullMarked;
