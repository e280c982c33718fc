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
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The icons of an Iconify set: {@code icons.json} of an npm package {@code @iconify-json/<set>}, which holds the SVG body of
 * every icon by name. Hidden icons (withdrawn by their makers) are left out.
 */
final class IconSet {
    private final Map<String, String> svgs;
    /** Icons by the names they and their aliases have, as {@link Emoji#key} writes them. */
    private final Map<String, String> byKey = new HashMap<>();

    private IconSet(Map<String, String> svgs, Map<String, String> aliases) {
        this.svgs = Collections.unmodifiableMap(svgs);
        svgs.keySet().forEach(name -> byKey.put(Emoji.key(name), name));
        aliases.forEach((alias, name) -> {
            if (svgs.containsKey(name)) {
                byKey.putIfAbsent(Emoji.key(alias), name);
            }
        });
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
        Map<String, String> aliases = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> alias : root.path("aliases").properties()) {
            JsonNode node = alias.getValue();
            if (!node.has("hFlip") && !node.has("vFlip") && !node.has("rotate")) {
                aliases.put(alias.getKey(), node.path("parent").asString(""));
            }
        }
        return new IconSet(svgs, aliases);
    }

    /** The name of the icon that shows an emoji. */
    Optional<String> find(Emoji emoji) {
        return emoji.keys().filter(byKey::containsKey).findFirst().map(byKey::get);
    }

    Set<String> names() {
        return svgs.keySet();
    }

    /**
     * Draws an icon on white.
     *
     * @param size width and height in pixels
     * @throws IllegalArgumentException when the set has no such icon, or it is not an SVG that can be drawn
     */
    Icon render(String name, int size) {
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
        return new Icon(size, rgb);
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
}
