/** Who calls and what he may: keys, tokens, pages in browsers, the gate, the audit log. */
@NullMarked
package dev.darkroom.api.who;

import org.jspecify.annotations.NullMarked;
