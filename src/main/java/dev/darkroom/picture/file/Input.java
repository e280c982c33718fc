package dev.darkroom.picture.file;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;

/** A file read front to back, a small buffer at a time; numbers as its format has them. */
public final class Input {

    private final InputStream in;
    private final byte[] buffer = new byte[8192];
    private int at;
    private int end;

    private final CRC32 crc = new CRC32();

    public Input(InputStream in) {
        this.in = in;
    }

    /** One byte, or −1 at the file's end. */
    int read() throws IOException {
        if (at == end && !fill()) {
            return -1;
        }
        return buffer[at++] & 0xff;
    }

    int u8() throws IOException {
        int value = read();
        if (value < 0) {
            throw new EOFException();
        }
        return value;
    }

    int u16() throws IOException {
        return u8() << 8 | u8();
    }

    long u32() throws IOException {
        return (long) u16() << 16 | u16();
    }

    int u24LittleEndian() throws IOException {
        return u8() | u8() << 8 | u8() << 16;
    }

    long u32LittleEndian() throws IOException {
        return u24LittleEndian() | (long) u8() << 24;
    }

    /** @param length checked by the caller: that much memory is taken */
    byte[] bytes(int length) throws IOException {
        byte[] bytes = new byte[length];
        for (int done = 0; done < length; ) {
            int part = take(length - done);
            System.arraycopy(buffer, at, bytes, done, part);
            crc.update(buffer, at, part);
            at += part;
            done += part;
        }
        return bytes;
    }

    void skip(long length) throws IOException {
        for (long left = length; left > 0; ) {
            int part = take(left);
            crc.update(buffer, at, part);
            at += part;
            left -= part;
        }
    }

    /** Begins a checksum over what {@link #bytes} and {@link #skip} pass from here on. */
    void startChecksum() {
        crc.reset();
    }

    long checksum() {
        return crc.getValue();
    }

    private int take(long wanted) throws IOException {
        if (at == end && !fill()) {
            throw new EOFException();
        }
        return (int) Math.min(wanted, end - at);
    }

    private boolean fill() throws IOException {
        at = 0;
        end = Math.max(0, in.read(buffer, 0, buffer.length));
        return end > 0;
    }
}
