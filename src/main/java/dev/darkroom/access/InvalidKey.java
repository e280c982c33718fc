package dev.darkroom.access;

/** A key that does not let its bearer in; the message says why and has nothing of the key. */
public final class InvalidKey extends Exception {

    private static final long serialVersionUID = 1L;

    InvalidKey(String message) {
        super(message);
    }
}
