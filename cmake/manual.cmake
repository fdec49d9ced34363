find_program(SCDOC scdoc)
if(NOT SCDOC)
  message(STATUS "scdoc not found: no manual pages")
endif()

# ratls_manual(<target> <page>...): makes and installs pages such as ratls.7, each of its .scd in
# the folder of the caller. The source names folders below /usr/local, and the page those of this
# build: it is typed as it stands, and an .include of a file that is not there is passed over.
function(ratls_manual target)
  if(NOT SCDOC)
    return()
  endif()
  set(data "s|/usr/local/share/ratls|${CMAKE_INSTALL_FULL_DATADIR}/ratls|g")
  set(modules "s|/usr/local/lib/ossl-modules|${CMAKE_INSTALL_FULL_LIBDIR}/ossl-modules|g")
  foreach(page ${ARGN})
    string(REGEX REPLACE ".*\\.(.)$" "\\1" section ${page})
    set(source ${CMAKE_CURRENT_SOURCE_DIR}/${page}.scd)
    set(made ${CMAKE_CURRENT_BINARY_DIR}/${page})
    add_custom_command(OUTPUT ${made}
        COMMAND sh -c "sed -e '${data}' -e '${modules}' '${source}' | '${SCDOC}' > '${made}'"
        DEPENDS ${source} VERBATIM)
    list(APPEND pages ${made})
    install(FILES ${made} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endforeach()
  add_custom_target(${target} ALL DEPENDS ${pages})
endfunction()
