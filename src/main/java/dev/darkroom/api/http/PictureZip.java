package dev.darkroom.api.http;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.HttpOutputMessage;
import org.springframework.http.MediaType;
import org.springframework.http.converter.AbstractHttpMessageConverter;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.stereotype.Component;

/**
 * A zip of pictures, written one picture after the other, so that it takes no more memory than one.
 *
 * @param files their content is bytes
 * @param time of every entry: the same job gives the same zip
 */
public record PictureZip(List<Download> files, Instant time) {

    public static final MediaType TYPE = MediaType.parseMediaType("application/zip");

    private void writeTo(OutputStream out) throws IOException {
        ZipOutputStream zip = new ZipOutputStream(out);
        for (Download file : files) {
            byte[] bytes = (byte[]) file.content().get();
            CRC32 crc = new CRC32();
            crc.update(bytes);
            ZipEntry entry = new ZipEntry(file.fileName());
            entry.setMethod(ZipEntry.STORED); // pictures are packed already
            entry.setSize(bytes.length);
            entry.setCrc(crc.getValue());
            entry.setTimeLocal(LocalDateTime.ofInstant(time, ZoneOffset.UTC));
            zip.putNextEntry(entry);
            zip.write(bytes);
        }
        zip.finish();
    }

    /** Writes archives into answers. */
    @Component
    static final class Converter extends AbstractHttpMessageConverter<PictureZip> {

        Converter() {
            super(TYPE);
        }

        @Override
        protected boolean supports(Class<?> type) {
            return type == PictureZip.class;
        }

        @Override
        public boolean canRead(Class<?> type, @Nullable MediaType mediaType) {
            return false;
        }

        @Override
        protected PictureZip readInternal(Class<? extends PictureZip> type, HttpInputMessage input) {
            throw new HttpMessageNotReadableException("archives are only written", input);
        }

        @Override
        protected void writeInternal(PictureZip archive, HttpOutputMessage output) throws IOException {
            archive.writeTo(output.getBody());
        }
    }
}
