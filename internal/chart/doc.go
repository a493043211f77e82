// Package chart draws what pages show as SVG: cumulative steps, a timeline, promise beside delivery, a map of places.
//
// It knows numbers, days and degrees, and neither records nor HTTP. Whatever the width, text keeps its size: positions across
// are percentages. Looks are left to a style sheet, by the classes of the elements; nothing has a style of its own. What is
// not known is never drawn as a zero, and a number that is "at least" never as one that is exact.
package chart
