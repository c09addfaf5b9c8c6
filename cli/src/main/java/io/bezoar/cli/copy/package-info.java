/** Copying of trees of files into pools, out of them, and within one. */
@NullMarked
package io.bezoar.cli.copy;

import org.jspecify.annotations.NullMarked;
