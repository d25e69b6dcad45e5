package process

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"

	"github.com/casarerpa/fleet/internal/engine"
)

const (
	maxPicture = 32 << 20 // bytes of a picture to read
	maxPixels  = 32 << 20
)

// qrCode writes a text as a QR code, or reads one from a picture.
func qrCode(_ context.Context, c *engine.Call) (engine.Result, error) {
	switch action := c.Text("action"); action {
	case "", "generate":
		return writeQR(c)
	case "read":
		return readQR(c)
	default:
		return engine.Result{}, engine.Fail("ValueError", "Unknown action: %s", action)
	}
}

// writeQR makes a PNG; the result is its absolute path.
func writeQR(c *engine.Call) (engine.Result, error) {
	text := c.Text("data")
	if text == "" {
		return engine.Result{}, engine.Fail("ValueError", "Data is required for QR code generation")
	}
	size, err := c.Int("size", 200)
	if err != nil {
		return engine.Result{}, err
	}
	if size < 50 || size > 1000 {
		return engine.Result{}, engine.Fail("ValueError", "size must be between 50 and 1000")
	}
	code, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, int(size), int(size), map[gozxing.EncodeHintType]any{
		gozxing.EncodeHintType_ERROR_CORRECTION: decoder.ErrorCorrectionLevel_L,
		gozxing.EncodeHintType_CHARACTER_SET:    "UTF-8",
	})
	if err != nil {
		return engine.Result{}, engine.Fail("ValueError", "The text does not fit into a QR code: %s", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, square(code, int(size))); err != nil {
		return engine.Result{}, engine.Fail("OSError", "Cannot write the picture: %s", err)
	}
	name := c.Text("output_path")
	if name == "" {
		name = "qrcode_" + c.Host().Now().Format("20060102_150405") + ".png"
	}
	path, err := store(c.Host().Files(), name, engine.Truncate, out.Bytes())
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("result", path)
	return engine.Continue(), nil
}

// square brings the code to the size that was asked for: a long text needs
// more points than that, and then every point keeps one pixel.
func square(code image.Image, size int) image.Image {
	side := max(size, code.Bounds().Dx())
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	off := (side - code.Bounds().Dx()) / 2
	draw.Draw(img, code.Bounds().Add(image.Pt(off, off)), code, code.Bounds().Min, draw.Src)
	return img
}

// readQR gives the text of the code in a picture. A picture without one is an
// answer, with success false.
func readQR(c *engine.Call) (engine.Result, error) {
	name := c.Text("image_path")
	if name == "" {
		return engine.Result{}, engine.Fail("ValueError", "image_path is required")
	}
	img, err := picture(c.Host().Files(), name)
	if err != nil {
		return engine.Result{}, err
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return engine.Result{}, engine.Fail("OSError", "Cannot read the picture %s: %s", name, err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		c.Set("result", "")
		c.Set("success", false)
		return engine.Continue(), nil
	}
	c.Set("result", found.GetText())
	return engine.Continue(), nil
}

func picture(files engine.Files, name string) (image.Image, error) {
	f, err := files.Open(name, engine.Read)
	if err != nil {
		return nil, explain(err, name)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPicture+1))
	if err != nil {
		return nil, explain(err, name)
	}
	if len(data) > maxPicture {
		return nil, engine.Fail("ValueError", "The picture %s is larger than %d bytes", name, maxPicture)
	}
	config, decode := png.DecodeConfig, png.Decode
	switch head := string(data[:min(len(data), 4)]); {
	case strings.HasPrefix(head, "\xff\xd8"):
		config, decode = jpeg.DecodeConfig, jpeg.Decode
	case head == "GIF8":
		config, decode = gif.DecodeConfig, gif.Decode
	}
	size, err := config(bytes.NewReader(data))
	if err != nil {
		return nil, engine.Fail("OSError", "Cannot identify the picture %s", name)
	}
	if size.Width <= 0 || size.Height <= 0 || size.Width > maxPixels/size.Height {
		return nil, engine.Fail("ValueError", "The picture %s has too many pixels", name)
	}
	img, err := decode(bytes.NewReader(data))
	if err != nil {
		return nil, engine.Fail("OSError", "Cannot read the picture %s: %s", name, err)
	}
	return img, nil
}
