package dev.darkroom.trainer;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;

/** Pictures of one size side by side, each above its title, for people to look at. */
final class Sheet {
    private static final int MARGIN = 4;
    private static final int LINE = 11;
    private static final int LINES = 2;

    private final int columns;
    private final List<Icon> pictures = new ArrayList<>();
    private final List<String> titles = new ArrayList<>();

    Sheet(int columns) {
        this.columns = columns;
    }

    void add(Icon picture, String title) {
        pictures.add(picture);
        titles.add(title);
    }

    void write(Path png) throws IOException {
        int size = pictures.get(0).size();
        int cellWidth = size + MARGIN;
        int cellHeight = size + MARGIN + LINES * LINE;
        BufferedImage sheet = new BufferedImage(
                columns * cellWidth,
                (pictures.size() + columns - 1) / columns * cellHeight,
                BufferedImage.TYPE_INT_RGB);
        Graphics2D g = sheet.createGraphics();
        try {
            g.setColor(Color.WHITE);
            g.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
            g.setColor(Color.BLACK);
            g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 9));
            g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            for (int i = 0; i < pictures.size(); i++) {
                int left = i % columns * cellWidth;
                int top = i / columns * cellHeight;
                sheet.setRGB(left, top, size, size, pictures.get(i).pixels(), 0, size);
                int line = 1;
                for (String text : wrap(g, titles.get(i), cellWidth - 2)) {
                    int width = g.getFontMetrics().stringWidth(text);
                    g.drawString(text, left + Math.max(0, (size - width) / 2), top + size + line++ * LINE - 1);
                }
            }
        } finally {
            g.dispose();
        }
        AtomicFiles.write(png, out -> ImageIO.write(sheet, "png", out));
    }

    /** Breaks a title at spaces; what does not fit on the lines there are is left away. */
    private static List<String> wrap(Graphics2D g, String title, int width) {
        List<String> lines = new ArrayList<>();
        String line = "";
        for (String word : title.split(" ")) {
            String longer = line.isEmpty() ? word : line + " " + word;
            if (!line.isEmpty() && g.getFontMetrics().stringWidth(longer) > width) {
                lines.add(line);
                line = word;
            } else {
                line = longer;
            }
        }
        lines.add(line);
        return lines.subList(0, Math.min(LINES, lines.size()));
    }
}
