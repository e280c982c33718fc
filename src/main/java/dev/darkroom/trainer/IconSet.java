package dev.darkroom.trainer;

import com.github.weisj.jsvg.SVGDocument;
import com.github.weisj.jsvg.parser.LoaderContext;
import com.github.weisj.jsvg.parser.SVGLoader;
import com.github.weisj.jsvg.renderer.NullPlatformSupport;
import com.github.weisj.jsvg.view.ViewBox;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The icons of an Iconify set: {@code icons.json} of an npm package {@code @iconify-json/<set>}, which holds the SVG body of
 * every icon by name. Hidden icons (withdrawn by their makers) and aliases are left out.
 */
final class IconSet {
    private static final int TAR_BLOCK = 512;

    private final Map<String, String> svgs;

    private IconSet(Map<String, String> svgs) {
        this.svgs = Collections.unmodifiableMap(svgs);
    }

    /**
     * The set in {@code workDir}; fetched by {@code npm pack} the first time.
     *
     * @param npmPackage name and version, as in {@code @iconify-json/noto@1.2.9}
     * @throws IOException when npm is missing or fails; the message says how to bring the file by hand
     */
    static IconSet fetch(String npmPackage, Path workDir) throws IOException {
        Path icons = workDir.resolve(npmPackage.replaceFirst("^@", "").replaceAll("[^A-Za-z0-9.]+", "-") + ".json");
        if (!Files.exists(icons)) {
            Files.createDirectories(workDir);
            Path archive = pack(npmPackage, workDir, icons);
            AtomicFiles.write(icons, out -> unpack(archive, out));
            Files.delete(archive);
        }
        return read(icons);
    }

    /** Reads an {@code icons.json}. */
    static IconSet read(Path iconsJson) throws IOException {
        JsonNode root;
        try {
            root = JsonMapper.shared().readTree(iconsJson.toFile());
        } catch (JacksonException e) {
            throw new IOException("%s is not JSON: %s".formatted(iconsJson, e.getOriginalMessage()), e);
        }
        if (!root.path("icons").isObject()) {
            throw new IOException("%s is no icon set: it has no object \"icons\"".formatted(iconsJson));
        }
        int left = root.path("left").asInt(0);
        int top = root.path("top").asInt(0);
        int width = root.path("width").asInt(16);
        int height = root.path("height").asInt(16);
        Map<String, String> svgs = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> icon : root.path("icons").properties()) {
            JsonNode node = icon.getValue();
            if (!node.path("hidden").asBoolean(false)) {
                svgs.put(
                        icon.getKey(),
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" viewBox=\"%d %d %d %d\">%s</svg>"
                                .formatted(
                                        node.path("left").asInt(left),
                                        node.path("top").asInt(top),
                                        node.path("width").asInt(width),
                                        node.path("height").asInt(height),
                                        node.path("body").asString()));
            }
        }
        return new IconSet(svgs);
    }

    Set<String> names() {
        return svgs.keySet();
    }

    /** Adds all that the pictures depend on. */
    void addTo(MessageDigest digest) {
        svgs.forEach((name, svg) -> digest.update((name + svg).getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * Draws an icon on white.
     *
     * @param size width and height in pixels
     * @throws IllegalArgumentException when the set has no such icon, or it is not an SVG that can be drawn
     */
    Picture render(String name, int size) {
        SVGDocument document = parse(name);
        BufferedImage image = new BufferedImage(size, size, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        try {
            g.setColor(Color.WHITE);
            g.fillRect(0, 0, size, size);
            g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            g.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
            document.renderWithPlatform(NullPlatformSupport.INSTANCE, g, new ViewBox(size, size));
        } finally {
            g.dispose();
        }
        int[] pixels = image.getRGB(0, 0, size, size, null, 0, size);
        byte[] rgb = new byte[pixels.length * 3];
        for (int i = 0; i < pixels.length; i++) {
            rgb[i * 3] = (byte) (pixels[i] >> 16);
            rgb[i * 3 + 1] = (byte) (pixels[i] >> 8);
            rgb[i * 3 + 2] = (byte) pixels[i];
        }
        return new Picture(size, rgb);
    }

    private SVGDocument parse(String name) {
        String svg = svgs.get(name);
        if (svg == null) {
            throw new IllegalArgumentException(
                    "The icon set has no icon \"%s\" among its %d".formatted(name, svgs.size()));
        }
        SVGDocument document = new SVGLoader()
                .load(
                        new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)),
                        null,
                        LoaderContext.createDefault());
        if (document == null) {
            throw new IllegalArgumentException("The icon \"%s\" is not an SVG that can be drawn".formatted(name));
        }
        return document;
    }

    /** Runs {@code npm pack} and returns the archive it left in {@code workDir}. */
    private static Path pack(String npmPackage, Path workDir, Path icons) throws IOException {
        String npm = System.getProperty("os.name").startsWith("Windows") ? "npm.cmd" : "npm";
        String byHand =
                "Bring the set by hand: run \"npm pack %s\" where npm works, and put package/icons.json of the archive at %s"
                        .formatted(npmPackage, icons);
        Process process;
        try {
            process = new ProcessBuilder(npm, "pack", npmPackage, "--silent")
                    .directory(workDir.toFile())
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw new IOException("Could not run npm (%s). %s".formatted(e.getMessage(), byHand), e);
        }
        try {
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() != 0) {
                throw new IOException("npm pack %s failed: %s. %s".formatted(npmPackage, output, byHand));
            }
            return workDir.resolve(output.substring(output.lastIndexOf('\n') + 1));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while npm pack %s ran".formatted(npmPackage), e);
        } finally {
            process.destroy();
        }
    }

    /** Copies {@code package/icons.json} out of a gzipped tar archive (POSIX ustar: a 512-byte header before each file). */
    private static void unpack(Path tgz, OutputStream out) throws IOException {
        try (InputStream in = new GZIPInputStream(Files.newInputStream(tgz))) {
            for (byte[] header = block(in); header != null && header[0] != 0; header = block(in)) {
                String name = text(header, 0, 100);
                long size = Long.parseLong(text(header, 124, 12).strip(), 8);
                if (name.equals("package/icons.json")) {
                    out.write(in.readNBytes(Math.toIntExact(size)));
                    return;
                }
                in.skipNBytes((size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);
            }
        }
        throw new EOFException("%s holds no package/icons.json".formatted(tgz));
    }

    private static byte @Nullable [] block(InputStream in) throws IOException {
        byte[] block = in.readNBytes(TAR_BLOCK);
        return block.length == TAR_BLOCK ? block : null;
    }

    private static String text(byte[] header, int offset, int length) {
        String field = new String(header, offset, length, StandardCharsets.ISO_8859_1);
        int end = field.indexOf('\0');
        return end < 0 ? field : field.substring(0, end);
    }
}
