package dev.darkroom.blobs;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Pictures named by their content, {@code ab/abcdef….png}. A picture is complete or not there, and read as it was written.
 * All methods throw {@link ImageStoreUnavailable} where the store does not do what is asked.
 */
public interface ImageStore {

    /**
     * Stores a picture for good, so that a row may name it.
     *
     * @return SHA-256 of the bytes, hexadecimal: the picture's name
     */
    String write(byte[] png);

    boolean holds(String hash);

    byte[] read(String hash);

    /** Nobody may be writing the same picture meanwhile. One that is not there counts as deleted. */
    void delete(String hash);

    /** Removes what a crash left behind. */
    default void tidy() {}

    static String hash(byte[] png) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(png));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    static String folder(String hash) {
        return hash.substring(0, 2);
    }

    static String path(String hash) {
        return folder(hash) + "/" + hash + ".png";
    }

    /** @return {@code png}, if it is the picture of that name */
    static byte[] checked(String hash, byte[] png) {
        String found = hash(png);
        if (!found.equals(hash)) {
            throw new ImageStoreUnavailable(
                    "the stored picture " + hash + " is damaged: its " + png.length + " bytes have the hash " + found,
                    null);
        }
        return png;
    }
}
