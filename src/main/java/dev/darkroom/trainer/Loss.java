package dev.darkroom.trainer;

import dev.darkroom.program.Program;
import dev.darkroom.program.Value;

/** Losses as lines of a program. */
final class Loss {
    private Loss() {}

    static Value meanSquare(Program p, Value found, Value wanted) {
        Value error = p.let("torch.sub(" + found.name() + ", " + wanted.name() + ")", found.shape());
        return p.let("torch.mean(torch.mul(" + error.name() + ", " + error.name() + "))");
    }
}
