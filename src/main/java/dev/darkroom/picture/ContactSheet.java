package dev.darkroom.picture;

import java.util.Arrays;

/**
 * Several pictures of one size as one, in rows, as a photographer lays out the frames of a film: scaled down where the sheet
 * would be larger than {@value #MAX_SIDE} pixels a side, with white between them.
 */
public final class ContactSheet {

    private static final int MAX_SIDE = 2048;
    private static final int GAP = 8;

    private final int columns;
    private final int width;
    private final int height;
    private final Picture sheet;

    /**
     * @param pictures how many, at least 1
     * @param width of each, pixels
     * @param height of each, pixels
     */
    public ContactSheet(int pictures, int width, int height) {
        this.columns = (int) Math.ceil(Math.sqrt(pictures));
        int rows = (pictures + columns - 1) / columns;
        double scale = Math.min(
                1,
                Math.min(
                        (MAX_SIDE - (columns - 1.0) * GAP) / columns / width,
                        (MAX_SIDE - (rows - 1.0) * GAP) / rows / height));
        this.width = Math.max(1, (int) (width * scale));
        this.height = Math.max(1, (int) (height * scale));
        int sheetWidth = columns * this.width + (columns - 1) * GAP;
        int sheetHeight = rows * this.height + (rows - 1) * GAP;
        byte[] white = new byte[3 * sheetWidth * sheetHeight];
        Arrays.fill(white, (byte) 255);
        this.sheet = new Picture(sheetWidth, sheetHeight, white);
    }

    /** @param index 0 is left above, then along the rows */
    public void put(int index, Picture picture) {
        int left = index % columns * (width + GAP);
        int top = index / columns * (height + GAP);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                mean(picture, x, y, 3 * ((top + y) * sheet.width() + left + x));
            }
        }
    }

    public Picture picture() {
        return sheet;
    }

    /** The mean of the pixels that fall on one of the sheet. */
    private void mean(Picture picture, int x, int y, int target) {
        int x0 = x * picture.width() / width;
        int x1 = Math.max(x0 + 1, (x + 1) * picture.width() / width);
        int y0 = y * picture.height() / height;
        int y1 = Math.max(y0 + 1, (y + 1) * picture.height() / height);
        int count = (x1 - x0) * (y1 - y0);
        for (int c = 0; c < 3; c++) {
            int sum = 0;
            for (int row = y0; row < y1; row++) {
                for (int column = x0; column < x1; column++) {
                    sum += picture.rgb()[3 * (row * picture.width() + column) + c] & 255;
                }
            }
            sheet.rgb()[target + c] = (byte) ((sum + count / 2) / count);
        }
    }
}
