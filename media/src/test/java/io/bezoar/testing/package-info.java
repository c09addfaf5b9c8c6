/** Help for the tests of all modules. */
@NullMarked
package io.bezoar.testing;

import org.jspecify.annotations.NullMarked;
