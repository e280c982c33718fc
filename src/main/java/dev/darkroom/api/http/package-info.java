/** What holds for every path: limits, negotiation, bodies, problems. */
@NullMarked
package dev.darkroom.api.http;

import org.jspecify.annotations.NullMarked;
