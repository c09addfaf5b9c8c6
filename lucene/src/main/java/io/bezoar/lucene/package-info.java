/**
 * A Lucene directory on guarded files: a bad page under a live index is healed, or becomes an
 * {@link java.io.IOException} of that one file, and never a wrong hit or the end of the JVM.
 */
@NullMarked
package io.bezoar.lucene;

import org.jspecify.annotations.NullMarked;
