package dev.darkroom;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.GZIPInputStream;

/** Takes traces as OTLP over HTTP, by reading as much of the protocol's messages as tests ask for. */
final class OtlpReceiver implements AutoCloseable {

    /**
     * @param service {@code service.name} and whatever else the resource says
     * @param parent empty if it has none
     * @param start nanoseconds since 1970
     */
    record Span(
            Map<String, String> resource,
            String trace,
            String id,
            String parent,
            String name,
            long start,
            long end,
            Map<String, String> attributes) {}

    final List<Span> spans = new CopyOnWriteArrayList<>();
    final List<String> texts = new CopyOnWriteArrayList<>();
    private final HttpServer server;

    OtlpReceiver() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/v1/traces", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            if ("gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"))) {
                try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(body))) {
                    body = in.readAllBytes();
                }
            }
            texts.add(new String(body, StandardCharsets.ISO_8859_1));
            for (Field resourceSpans : message(body).of(1)) {
                Map<String, String> resource = new TreeMap<>();
                resourceSpans.message().of(1).forEach(found -> resource.putAll(attributes(found.message(), 1)));
                for (Field scopeSpans : resourceSpans.message().of(2)) {
                    for (Field span : scopeSpans.message().of(2)) {
                        spans.add(span(resource, span.message()));
                    }
                }
            }
            exchange.sendResponseHeaders(200, -1);
            exchange.close();
        });
        server.start();
    }

    String endpoint() {
        return "http://localhost:" + server.getAddress().getPort() + "/v1/traces";
    }

    private static Span span(Map<String, String> resource, Message span) {
        return new Span(
                resource,
                span.hex(1),
                span.hex(2),
                span.hex(4),
                span.text(5),
                span.fixed(7),
                span.fixed(8),
                attributes(span, 9));
    }

    private static Map<String, String> attributes(Message owner, int number) {
        Map<String, String> attributes = new TreeMap<>();
        for (Field pair : owner.of(number)) {
            for (Field value : pair.message().of(2)) {
                Message any = value.message();
                attributes.put(
                        pair.message().text(1),
                        any.of(3).isEmpty()
                                ? any.text(1)
                                : Long.toString(any.of(3).get(0).number));
            }
        }
        return attributes;
    }

    /** A field of a protocol buffer: a number, or bytes. */
    private record Field(int id, long number, byte[] bytes) {
        Message message() {
            return OtlpReceiver.message(bytes);
        }
    }

    private record Message(List<Field> fields) {
        List<Field> of(int id) {
            return fields.stream().filter(field -> field.id == id).toList();
        }

        String hex(int id) {
            return of(id).isEmpty() ? "" : HexFormat.of().formatHex(of(id).get(0).bytes);
        }

        String text(int id) {
            return of(id).isEmpty() ? "" : new String(of(id).get(0).bytes, StandardCharsets.UTF_8);
        }

        long fixed(int id) {
            return of(id).get(0).number;
        }
    }

    private static Message message(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        List<Field> fields = new ArrayList<>();
        while (in.hasRemaining()) {
            long key = varint(in);
            int id = (int) (key >>> 3);
            switch ((int) key & 7) {
                case 0 -> fields.add(new Field(id, varint(in), new byte[0]));
                case 1 -> fields.add(new Field(id, in.getLong(), new byte[0]));
                case 2 -> {
                    byte[] value = new byte[(int) varint(in)];
                    in.get(value);
                    fields.add(new Field(id, 0, value));
                }
                case 5 -> fields.add(new Field(id, in.getInt(), new byte[0]));
                default -> throw new IllegalArgumentException("wire type of " + key);
            }
        }
        return new Message(fields);
    }

    private static long varint(ByteBuffer in) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = in.get();
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
