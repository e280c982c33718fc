package dev.darkroom.picture.file;

import dev.darkroom.picture.Recipe;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.jspecify.annotations.Nullable;

/** XMP packets (ISO 16684-1): IPTC's mark of pictures by trained algorithms, and the recipe in a name space of ours. */
final class Xmp {

    private static final String NAMESPACE = "https://darkroom.dev/ns/recipe/1.0/";

    private Xmp() {}

    /** @param recipe null leaves only the mark */
    static byte[] packet(@Nullable Recipe recipe) {
        String json = recipe == null
                ? ""
                : "<darkroom:recipe>"
                        + recipe.json()
                                .replace("&", "&amp;")
                                .replace("<", "&lt;")
                                .replace(">", "&gt;") + "</darkroom:recipe>\n";
        return ("""
                <?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
                <x:xmpmeta xmlns:x="adobe:ns:meta/">
                <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
                <rdf:Description rdf:about=""
                 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
                 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
                 xmlns:darkroom="%s">
                <xmp:CreatorTool>Darkroom</xmp:CreatorTool>
                <Iptc4xmpExt:DigitalSourceType>\
                http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia\
                </Iptc4xmpExt:DigitalSourceType>
                %s</rdf:Description>
                </rdf:RDF>
                </x:xmpmeta>
                <?xpacket end="r"?>""").formatted(NAMESPACE, json).getBytes(StandardCharsets.UTF_8);
    }

    /** The recipe in a packet; null if it has none, or is not XML that we read. */
    static @Nullable String recipe(byte[] packet) {
        XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        try {
            XMLStreamReader xml =
                    factory.createXMLStreamReader(new StringReader(new String(packet, StandardCharsets.UTF_8)));
            while (xml.hasNext()) {
                if (xml.next() == XMLStreamConstants.START_ELEMENT) {
                    if (NAMESPACE.equals(xml.getNamespaceURI())
                            && xml.getLocalName().equals("recipe")) {
                        return xml.getElementText();
                    }
                    String attribute = xml.getAttributeValue(NAMESPACE, "recipe"); // as other tools may rewrite it
                    if (attribute != null) {
                        return attribute;
                    }
                }
            }
        } catch (XMLStreamException e) {
            // Metadata of others is none of our business.
        }
        return null;
    }
}
