# Reads collections into R as an analyst would, and prints what it has as JSON.
# Argument: the address of the API. Input: collections with their columns and kinds, from the contract.
library(jsonlite)

base <- commandArgs(trailingOnly = TRUE)[1]
tables <- fromJSON(file("stdin"), simplifyVector = FALSE)
classes <- c(integer = "integer", number = "numeric", boolean = "logical", day = "Date")

csv <- function(name, kinds) {
  wanted <- sapply(kinds, function(kind) if (kind %in% names(classes)) classes[[kind]] else "character")
  frame <- read.csv(paste0(base, "/v1/", name, ".csv"),
    na.strings = "", colClasses = wanted, check.names = FALSE, encoding = "UTF-8"
  )
  list(
    types = lapply(frame, function(column) unbox(class(column)[1])),
    values = lapply(frame, function(column) if (inherits(column, "Date")) format(column) else column)
  )
}

# Lists of parts stay lists; everything else is a column that knows what is unknown.
json <- function(name) {
  data <- fromJSON(paste0(base, "/v1/", name, "?limit=1000"))$data
  plain <- Filter(is.atomic, as.list(data))
  list(records = unbox(nrow(data)), unknown = lapply(plain, function(column) unbox(sum(is.na(column)))))
}

transfers <- function() {
  data <- fromJSON(paste0(base, "/v1/prisoner-exchanges?limit=1000"))$data
  all <- do.call(rbind, data$transfers)
  lapply(split(all, paste(all$from, all$to, sep = "-")), function(way) {
    lapply(list(total = sum(way$total, na.rm = TRUE), unknown = sum(is.na(way$total)), zeros = sum(way$total == 0, na.rm = TRUE)), unbox)
  })
}

read <- lapply(setNames(names(tables), names(tables)), function(name) {
  list(csv = csv(name, tables[[name]]), json = json(name))
})
read$transfers <- transfers()
cat(toJSON(read, na = "null", digits = NA))
