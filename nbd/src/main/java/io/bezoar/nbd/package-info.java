/** Serves DAX devices as block volumes over the NBD protocol, on unix sockets. */
@NullMarked
package io.bezoar.nbd;

import org.jspecify.annotations.NullMarked;
